keep;
if true /* { keep; }
