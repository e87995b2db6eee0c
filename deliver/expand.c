#include "deliver/expand.h"

#include <string.h>

struct expansion {
	const char *setting;
	const char *text;
	const struct user *user;
	struct bytes out;
	struct status *status;
};

static bool add_home(struct expansion *e)
{
	if (e->user->home.len == 0)
		return status_fail(e->status, CAUSE_CONFIGURATION,
		    "%s = \"%s\" wants a home directory, but the source \"%s\" has none for "
		    "\"%.*s\"",
		    e->setting, e->text, e->user->source, (int)e->user->name.len,
		    e->user->name.data);
	bytes_append_span(&e->out, e->user->home);
	return true;
}

/* A part of an address must not lead anywhere but where the administrator meant. */
static bool add_component(struct expansion *e, struct span name, struct span value)
{
	if (span_is(value, ".") || span_is(value, "..") || span_find(value, '/') != value.len ||
	    span_find(value, '\0') != value.len)
		return status_fail(e->status, CAUSE_CONFIGURATION,
		    "%s = \"%s\": %%{%.*s} would be \"%.*s\", which cannot be part of a path",
		    e->setting, e->text, (int)name.len, name.data, (int)value.len, value.data);
	bytes_append_span(&e->out, value);
	return true;
}

static bool add_variable(struct expansion *e, struct span name)
{
	const struct user *user = e->user;
	if (span_is(name, "home"))
		return add_home(e);
	if (span_is(name, "uid")) {
		bytes_appendf(&e->out, "%lu", (unsigned long)user->uid);
		return true;
	}
	if (span_is(name, "user"))
		return add_component(e, name, user->name);
	if (span_is(name, "local"))
		return add_component(e, name, user->local);
	if (span_is(name, "domain"))
		return add_component(e, name, user->domain);
	if (span_is(name, "detail"))
		return add_component(e, name, user->detail);
	return status_fail(e->status, CAUSE_CONFIGURATION,
	    "%s = \"%s\": there is no variable %%{%.*s}; there are user, local, domain, detail, "
	    "home and uid",
	    e->setting, e->text, (int)name.len, name.data);
}

/* Takes "%{name}" or "%%" off `rest`. */
static bool take_percent(struct expansion *e, struct span *rest)
{
	if (span_starts_with(*rest, "%%")) {
		bytes_append_byte(&e->out, '%');
		*rest = span_from(*rest, 2);
		return true;
	}
	size_t end = span_find(*rest, '}');
	if (!span_starts_with(*rest, "%{") || end == rest->len)
		return status_fail(e->status, CAUSE_CONFIGURATION,
		    "%s = \"%s\": write %%{name} for a variable and %%%% for a percent sign",
		    e->setting, e->text);
	bool is_added = add_variable(e, span_from(span_first(*rest, end), 2));
	*rest = span_from(*rest, end + 1);
	return is_added;
}

static bool is_home_mark(struct span rest)
{
	return span_is(rest, "~") || span_starts_with(rest, "~/");
}

static bool run(struct expansion *e)
{
	struct span rest = span_of(e->text);
	size_t colon = span_find(rest, ':');
	/* "maildir:~/Maildir" */
	if (colon < rest.len && is_home_mark(span_from(rest, colon + 1))) {
		bytes_append_span(&e->out, span_first(rest, colon + 1));
		rest = span_from(rest, colon + 1);
	}
	if (is_home_mark(rest)) {
		if (!add_home(e))
			return false;
		rest = span_from(rest, 1);
	}
	while (rest.len > 0) {
		size_t percent = span_find(rest, '%');
		bytes_append_span(&e->out, span_first(rest, percent));
		rest = span_from(rest, percent);
		if (rest.len > 0 && !take_percent(e, &rest))
			return false;
	}
	return true;
}

bool expand(struct arena *arena, const char *setting, const char *text, const struct user *user,
    const char **expanded_out, struct status *status)
{
	struct expansion e = {.setting = setting, .text = text, .user = user, .status = status};
	bool is_done = run(&e);
	if (is_done)
		*expanded_out = arena_text(arena, bytes_span(&e.out));
	bytes_clear(&e.out);
	return is_done;
}
