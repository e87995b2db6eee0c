/* judge.c - does it fit? Arithmetic only; sums stop at UINT64_MAX, so no figure wraps round. */
#include "quota/quota.h"

#include "base/number.h"

/* Of one resource. A limit that is reached to the byte still fits. */
static enum quota_answer judge(uint64_t limit, uint64_t used, uint64_t more, uint64_t grace)
{
	if (limit == 0 || number_add(used, more) <= limit)
		return QUOTA_FITS;
	if (more > number_add(limit, grace))
		return QUOTA_NEVER_FITS;
	if (used < limit && number_add(used, more) <= number_add(limit, grace))
		return QUOTA_FITS_IN_GRACE;
	return QUOTA_FULL;
}

enum quota_answer quota_judge(const struct quota_limit *limit, const struct quota_usage *usage,
    const struct quota_usage *more, uint64_t grace_bytes)
{
	enum quota_answer storage =
	    judge(limit->storage_bytes, usage->storage_bytes, more->storage_bytes, grace_bytes);
	enum quota_answer messages =
	    judge(limit->message_count, usage->message_count, more->message_count, 0);
	/* They are in the order of severity. */
	return storage > messages ? storage : messages;
}
