# Logs in to PostgreSQL with the pg gem, once for each line of standard input: a JSON object with a connection string and
# a query. A password in it replaces the one of the connection string.
#
# Prints one line for each: the first value of the result, or the error.

require "json"
require "pg"

STDIN.each_line do |line|
  input = JSON.parse(line)
  begin
    password = input["password"] ? { password: input["password"] } : {}
    connection = PG.connect(input["connection"], **password)
    puts connection.exec(input["query"]).getvalue(0, 0)
    connection.close
  rescue PG::Error => error
    puts "error #{error.message.tr("\n", " ").strip}"
  end
end
