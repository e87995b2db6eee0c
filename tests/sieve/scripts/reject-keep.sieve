require "reject"; keep; reject "a";
