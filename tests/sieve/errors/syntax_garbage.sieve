keep;
* keep;
