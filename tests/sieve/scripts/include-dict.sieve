require "include"; include "from-dict"; include :optional "nobody";
