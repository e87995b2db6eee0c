nonsense; rubbish;
