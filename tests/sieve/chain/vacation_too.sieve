require "vacation";
vacation "Away too.";
