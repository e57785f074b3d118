"""Logs in to PostgreSQL with psycopg, once for each line of standard input: a JSON object with a connection string and a
query.

Prints one line for each: the first value of the result, or the error.
"""

import json
import sys

import psycopg

for line in sys.stdin:
    login = json.loads(line)
    try:
        with psycopg.connect(login["connection"]) as connection:
            print(connection.execute(login["query"]).fetchone()[0])
    except psycopg.OperationalError as error:
        print("error", str(error).replace("\n", " "))
