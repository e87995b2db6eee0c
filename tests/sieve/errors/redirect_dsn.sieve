require "redirect-dsn";
redirect :notify "NEVER,SUCCESS" "a@example.net";
redirect :ret "BODY" "a@example.net";
redirect :notify 1 "a@example.net";
