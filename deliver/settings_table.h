#ifndef DELIVER_SETTINGS_TABLE_H
#define DELIVER_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table behind the configuration file, `-o`, `--check`, the sample and the manual page. To
 * add a setting: one row here and one field in settings.h. */

enum setting_type {
	SETTING_TEXT,    /* const char * */
	SETTING_LIST,    /* struct text_list; the default is comma-separated */
	SETTING_BOOL,    /* bool */
	SETTING_NUMBER,  /* uint64_t */
	SETTING_BYTES,   /* uint64_t, "10M" */
	SETTING_SECONDS, /* uint64_t, "240s" */
	SETTING_MODE,    /* uint64_t, octal */
	SETTING_CHOICE,  /* an enum: the index of the word in `choices` */
};

struct setting {
	const char *section; /* "", "store", "listen" */
	const char *name;
	enum setting_type type;
	const char *fallback; /* the default, as it would stand in the file */
	size_t offset;        /* in the structure of its section */
	uint64_t min;         /* of numbers, bytes and seconds */
	uint64_t max;
	const char *choices;  /* "refuse|defer" */
	const char *sentence; /* what it does, for people */
};

/* A section is one structure inside its parent's (no title), or any number of them with a title
 * (`const char *title` first) in an array the parent points to. */
struct setting_section {
	const char *name;
	const char *parent; /* null: the file itself */
	bool is_titled;
	size_t offset;       /* of the structure, or of the pointer to the array */
	size_t count_offset; /* titled: of the size_t with their number */
	size_t size;
	const char *sentence;
};

extern const struct setting setting_table[];
extern const size_t setting_count;
extern const struct setting_section setting_sections[];
extern const size_t setting_section_count;

#endif
