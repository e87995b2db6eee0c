require "ihave";
if ihave ["fileinto", "vnd.nobody.nothing"] { } else { fileinto "a"; }
nonsense;
if ihave "vnd.nobody.nothing" { garbage; }
