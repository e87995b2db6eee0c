require "envelope";
if address "subject" "a" { }
if envelope "auth-nonsense" "a" { }
if allof true { }
if not (true, false) { }
