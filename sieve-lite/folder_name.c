#include "sieve-lite/folder_name.h"

#include "base/utf8.h"

#define FOLDER_NAME_BYTES 1024

bool folder_name_is_valid(struct span name)
{
	if (name.len == 0 || name.len > FOLDER_NAME_BYTES || !utf8_is_valid(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.data[i] < ' ' || name.data[i] == 0x7F)
			return false;
	}
	return true;
}
