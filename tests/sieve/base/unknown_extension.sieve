require ["fileinto", "nonsense"]; discard;
