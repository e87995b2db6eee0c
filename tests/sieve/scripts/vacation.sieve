require ["vacation"]; vacation "a";
