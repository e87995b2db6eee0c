require "vacation-seconds";
vacation :days 1 :seconds 60 "x";
vacation :seconds 2147483649 "x";
