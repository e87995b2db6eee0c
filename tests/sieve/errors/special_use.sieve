require ["special-use", "fileinto"];
if specialuse_exists "Junk" { }
fileinto :specialuse "\\Ju nk" "Spam";
