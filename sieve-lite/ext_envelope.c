/* ext_envelope.c - the test of the envelope (RFC 5228 5.4).
 *
 *	envelope [COMPARATOR] [ADDRESS-PART] [MATCH-TYPE] <envelope-part> <key-list>
 *
 * The null sender is the empty string whatever part of it is asked for. Source routes are gone
 * since the envelope was parsed. */
#include "sieve-lite/address_parts.h"
#include "sieve-lite/checker.h"
#include "sieve-lite/features.h"
#include "sieve-lite/match.h"

static const struct address *part_from(struct run *run)
{
	return run->input->envelope != NULL ? &run->input->envelope->sender : NULL;
}

static const struct address *part_to(struct run *run)
{
	return run->input->recipient != NULL ? &run->input->recipient->address : NULL;
}

/* Not in the RFC; Dovecot has it. */
static bool part_auth(struct run *run, struct span *text_out)
{
	*text_out = run->input->auth;
	return text_out->data != NULL;
}

static const struct envelope_part envelope_parts[] = {
    {.name = "from", .address = part_from},
    {.name = "to", .address = part_to},
    {.name = "auth", .text = part_auth},
    {.name = NULL},
};

static bool check_envelope(struct checker *checker, struct node *node)
{
	const struct argument *parts = node->positionals[0];
	for (size_t i = 0; i < parts->count; i++) {
		const struct extension *from = NULL;
		const struct text *name = &parts->texts[i];
		const struct envelope_part *part = registry_look_up(
		    &checker->features, FEATURE_ENVELOPE_PART, name->literal, &from);
		if (text_is_constant(name) && part != NULL && part->text != NULL &&
		    node->address_part_use != NULL) {
			problem_error(checker->problems, node->address_part_use->at,
			    "envelope part '%s' is no address: it has no part ':%s'", part->name,
			    node->address_part->name);
			return false;
		}
		if (!text_is_constant(name) || part != NULL)
			continue;
		const char *quoted = problem_quote(checker->problems, name->literal);
		if (from != NULL && registry_is_available(from, checker->options))
			problem_error(checker->problems, name->at,
			    "envelope part '%s' needs: require \"%s\";", quoted, from->name);
		else
			problem_error(
			    checker->problems, name->at, "unknown envelope part '%s'", quoted);
		return false;
	}
	return true;
}

static bool match_part(struct match *match, const struct node *node, struct span source,
    const struct envelope_part *part)
{
	struct run *run = match->run;
	struct span value;
	if (part->text != NULL)
		return part->text(run, &value) && match_value(match, source, value);
	const struct address *address = part->address(run);
	if (address == NULL)
		return false;
	/* The null sender: an empty value, but no address to count (RFC 5231 4.2). */
	if (address->text.len == 0)
		return !node->matching->type->is_counting && match_value(match, source, SPAN(""));
	return address_part_take(run, node, address, true, &value) &&
	       match_value(match, source, value);
}

static bool test_envelope(struct run *run, const struct node *node)
{
	const struct argument *names = node->positionals[0];
	struct match match = match_begin(run, node);
	for (size_t i = 0; i < names->count; i++) {
		struct span name = run_text(run, &names->texts[i]);
		const struct envelope_part *part =
		    registry_look_up(&run->script->features, FEATURE_ENVELOPE_PART, name, NULL);
		if (part == NULL)
			run_fail(run, "unknown envelope part");
		if (part == NULL || match_part(&match, node, name, part))
			break;
	}
	return match_end(&match);
}

static const struct command commands[] = {
    {.name = "envelope",
        .positionals = {{.name = "the envelope parts", .type = WANTS_TEXTS},
            {.name = "the keys", .type = WANTS_TEXTS}},
        .is_comparing = true,
        .has_address_part = true,
        .check = check_envelope,
        .test = test_envelope},
    {.name = NULL},
};

const struct extension ext_envelope = {
    .name = "envelope",
    .document = "RFC 5228",
    .commands = commands,
    .envelope_parts = envelope_parts,
};
