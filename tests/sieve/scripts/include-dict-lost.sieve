require "include"; include :optional "lost";
