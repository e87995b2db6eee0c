require "ihave";
if not ihave "vnd.nobody.nothing" {
	error "sorry, not here";
	keep;
}
