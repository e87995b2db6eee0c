require "include"; include "inc-nobody";
