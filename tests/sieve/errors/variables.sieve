require "variables";
set "1" "a";
set "a." "a";
set "${a}" "a";
set :lower :upper "a" "a";
set :shout "a" "a";
set "a" "${x.y}";
set "a" "${33}";
set "y.z" "a";
