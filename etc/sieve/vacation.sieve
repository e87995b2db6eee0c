# Who writes is told once in a week that nobody reads it, colleagues every second day. The mail is
# kept. Mailing lists, machines and strangers' spam in Bcc get no answer; :addresses are the other
# addresses that are yours.
require "vacation";

if address :domain "from" "example.com" {
    vacation :days 2 :handle "colleagues" :addresses ["anna@example.com", "info@example.com"]
        :subject "Away until 4 January" "Carla has the keys.";
} else {
    vacation :days 7 :addresses ["anna@example.com", "info@example.com"]
        :subject "Away until 4 January" text:
I am away until 4 January and do not read mail.
If it cannot wait: carla@example.com.

Anna
.
;
}
