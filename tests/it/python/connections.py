"""Keeps connections of psycopg open. Each line of standard input is a command and the name of a connection: open, query
or close.

Prints one line for each: the current user, "closed", or the error.
"""

import os
import sys

import psycopg

connections = {}
for line in sys.stdin:
    command, name = line.split()
    try:
        if command == "open":
            connections[name] = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        if command == "close":
            connections.pop(name).close()
            print("closed", flush=True)
        else:
            print(connections[name].execute("SELECT current_user").fetchone()[0], flush=True)
    except psycopg.Error as error:
        print("error", str(error).replace("\n", " "), flush=True)
