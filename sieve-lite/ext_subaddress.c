/* ext_subaddress.c - address parts :user and :detail (RFC 5233). Without a delimiter the whole
 * local part is the user, and there is no detail: not even the empty key matches it. */
#include "sieve-lite/features.h"
#include "sieve-lite/run.h"

#include <string.h>

static void split(
    struct run *run, const struct address *address, struct span *user_out, struct span *detail_out)
{
	const char *delimiters =
	    run->input->recipient_delimiter != NULL ? run->input->recipient_delimiter : "";
	struct span local = address->local;
	/* No mailbox is called "", but what stands left and right of a delimiter can be told. */
	if (local.len > 0 && local.data[0] != '\0' && strchr(delimiters, local.data[0]) != NULL) {
		*user_out = SPAN("");
		*detail_out = span_from(local, 1);
		return;
	}
	address_split_detail(local, delimiters, user_out, detail_out);
}

static bool part_user(struct run *run, const struct address *address, struct span *part_out)
{
	struct span detail;
	split(run, address, part_out, &detail);
	return true;
}

static bool part_detail(struct run *run, const struct address *address, struct span *part_out)
{
	struct span user;
	split(run, address, &user, part_out);
	return part_out->data != NULL;
}

static const struct address_part address_parts[] = {
    {.name = "user", .part = part_user},
    {.name = "detail", .part = part_detail},
    {.name = NULL},
};

const struct extension ext_subaddress = {
    .name = "subaddress",
    .document = "RFC 5233",
    .address_parts = address_parts,
};
