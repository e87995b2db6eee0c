# Pages for users, in mdoc.
dist_man_MANS += %D%/deliver.1 %D%/ladle.conf.5 %D%/lmtp-bridge.8 \
	%D%/mailquota.1 %D%/sieve-lite.1
