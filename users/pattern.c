#include "users/pattern.h"

#include <inttypes.h>
#include <string.h>

enum variable { VARIABLE_NONE, VARIABLE_PERCENT, VARIABLE_USER, VARIABLE_DOMAIN, VARIABLE_UID };

static const struct row {
	const char *text;
	enum variable variable;
} variables[] = {
    {"%%", VARIABLE_PERCENT},
    {"%{user}", VARIABLE_USER},
    {"%{domain}", VARIABLE_DOMAIN},
    {"%{uid}", VARIABLE_UID},
};

static enum variable variable_at(struct span rest, size_t *len_out)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		if (span_starts_with(rest, variables[i].text)) {
			*len_out = strlen(variables[i].text);
			return variables[i].variable;
		}
	}
	return VARIABLE_NONE;
}

const char *pattern_check(const char *pattern)
{
	struct span rest = span_of(pattern);
	while (rest.len > 0) {
		size_t len = 1;
		if (rest.data[0] == '%' && variable_at(rest, &len) == VARIABLE_NONE)
			return "\"%\" must begin %{user}, %{domain} or %{uid}; \"%%\" is one \"%\"";
		rest = span_from(rest, len);
	}
	return NULL;
}

static struct span value_of(
    struct arena *arena, enum variable variable, const struct pattern_values *values)
{
	switch (variable) {
	case VARIABLE_USER:
		return values->user;
	case VARIABLE_DOMAIN:
		return values->domain;
	case VARIABLE_UID:
		return values->uid < 0 ? span_of("") : arena_spanf(arena, "%" PRId64, values->uid);
	case VARIABLE_PERCENT:
		return span_of("%");
	case VARIABLE_NONE:
		break;
	}
	return span_of("");
}

bool pattern_is_path_part(struct span value)
{
	return value.len > 0 && !span_is(value, ".") && !span_is(value, "..") &&
	       span_find(value, '/') == value.len && span_find(value, '\0') == value.len;
}

bool pattern_path(struct arena *arena, const char *pattern, const struct pattern_values *values,
    struct span *path_out, const char **why_out)
{
	struct bytes path = {0};
	struct span rest = span_of(pattern);
	*why_out = NULL;
	while (rest.len > 0 && *why_out == NULL) {
		size_t len = 1;
		enum variable variable = variable_at(rest, &len);
		struct span piece = span_first(rest, len);
		if (variable != VARIABLE_NONE) {
			piece = value_of(arena, variable, values);
			if (piece.len == 0)
				*why_out = "the address has no domain, or the user no uid";
			else if (!pattern_is_path_part(piece))
				*why_out = "the name cannot be part of a path";
		}
		bytes_append_span(&path, piece);
		rest = span_from(rest, len);
	}
	*path_out = arena_span(arena, bytes_span(&path));
	bytes_clear(&path);
	return *why_out == NULL;
}

struct span pattern_name(
    struct arena *arena, const char *pattern, const struct pattern_values *values)
{
	struct bytes name = {0};
	struct span rest = span_of(pattern);
	while (rest.len > 0) {
		size_t len = 1;
		enum variable variable = variable_at(rest, &len);
		bool is_empty_domain =
		    values->domain.len == 0 && span_starts_with(rest, "@%{domain}");
		if (variable != VARIABLE_NONE)
			bytes_append_span(&name, value_of(arena, variable, values));
		else if (!is_empty_domain)
			bytes_append_span(&name, span_first(rest, len));
		rest = span_from(rest, len);
	}
	struct span copy = arena_span(arena, bytes_span(&name));
	bytes_clear(&name);
	return copy;
}
