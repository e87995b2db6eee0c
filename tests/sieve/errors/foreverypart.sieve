require "foreverypart";
break;
foreverypart :name "one" {
	if true { break :name "other"; }
	foreverypart { foreverypart { foreverypart { foreverypart { break; } } } }
}
foreverypart;
