if anyof () { keep; }
if not (:is "a") { keep; }
keep ();
this is not looked at any more
