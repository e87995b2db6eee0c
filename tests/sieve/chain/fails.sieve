require "variables";
set "nobody" "";
redirect "${nobody}";
