require ["spamtest", "virustest"];

if spamtest :percent "1" { keep; }
if spamtest ["1", "2"] { keep; }
if virustest :percent "1" { keep; }
