require "redirect-deliverby";
redirect :bytimerelative 1 :bytimeabsolute "2026-11-21T20:00:00Z" "a@example.net";
redirect :bymode "notify" "a@example.net";
redirect :bytrace "a@example.net";
redirect :bytimeabsolute "tomorrow" "a@example.net";
