require ["subaddress", "envelope"]; if envelope :detail "to" "lists" { discard; }
