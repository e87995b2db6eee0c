#include "sieve-lite/address_parts.h"

bool address_part_take(struct run *run, const struct node *node, const struct address *address,
    bool is_valid, struct span *part_out)
{
	*part_out = address->text;
	if (node->address_part == NULL)
		return true;
	/* An empty field is empty in all its parts. */
	if (!is_valid && address->text.len == 0)
		return true;
	return (is_valid || node->address_part->is_whole) &&
	       node->address_part->part(run, address, part_out);
}
