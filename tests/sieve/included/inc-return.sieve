require "include"; return; keep;
