# Keeps connections of Ruby's pg open. Each line of standard input is a command and the name of a connection: open, query
# or close.
#
# Prints one line for each: the current user, "closed", or the error.

require "pg"

connections = {}
STDOUT.sync = true
STDIN.each_line do |line|
  command, name = line.split
  begin
    connections[name] = PG.connect(ENV.fetch("DATABASE_URL")) if command == "open"
    if command == "close"
      connections.delete(name).close
      puts "closed"
    else
      puts connections.fetch(name).exec("SELECT current_user").getvalue(0, 0)
    end
  rescue PG::Error => error
    puts "error #{error.message.tr("\n", " ").strip}"
  end
end
