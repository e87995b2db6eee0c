#include "sieve-lite/script_dirs.h"

#include "base/file.h"
#include "sieve-lite/limits.h"

#include <errno.h>

const char *script_dirs_of(struct arena *arena, const char *path)
{
	size_t slash = span_find_last(span_of(path), '/');
	if (path[slash] != '/')
		return ".";
	return arena_text(arena, span_first(span_of(path), slash > 0 ? slash : 1));
}

enum sieve_answer script_dirs_load(
    void *context, struct arena *arena, struct span name, bool is_global, struct span *source_out)
{
	const struct script_dirs *dirs = context;
	const char *path = arena_textf(arena, "%s/%s.sieve",
	    is_global ? dirs->global : dirs->personal, arena_text(arena, name));
	struct bytes source = {0};
	int result = file_read_path(path, LIMIT_SCRIPT_BYTES, &source, NULL);
	int trouble = errno;
	*source_out = arena_span(arena, bytes_span(&source));
	bytes_clear(&source);
	if (result == 0)
		return SIEVE_YES;
	return trouble == ENOENT ? SIEVE_NO : SIEVE_CANNOT_TELL;
}
