#include "base/log.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
	enum { SILENT, SYSLOG, DESCRIPTOR } kind;
	int fd;
	bool owns_fd;
	const char *program;
	enum log_level level;
} the_log;

static void close_old(void)
{
	if (the_log.kind == SYSLOG)
		closelog();
	if (the_log.owns_fd)
		close(the_log.fd);
	memset(&the_log, 0, sizeof(the_log));
}

int log_open(const char *target, const char *program, enum log_level level)
{
	close_old();
	the_log.program = program;
	the_log.level = level;
	if (strcmp(target, "none") == 0)
		return 0;
	if (strcmp(target, "syslog") == 0) {
		openlog(program, LOG_PID, LOG_MAIL);
		the_log.kind = SYSLOG;
		return 0;
	}
	if (strcmp(target, "stderr") == 0) {
		the_log.fd = STDERR_FILENO;
	} else {
		the_log.fd = file_open_log(target);
		if (the_log.fd < 0)
			return -1;
		the_log.owns_fd = true;
	}
	the_log.kind = DESCRIPTOR;
	return 0;
}

bool log_is_on(enum log_level level)
{
	return the_log.kind != SILENT && level <= the_log.level;
}

static void write_line(enum log_level level, const char *text)
{
	static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	static const char *const words[] = {"error: ", "warning: ", "", "debug: "};
	if (the_log.kind == SYSLOG) {
		syslog(priorities[level], "%s%s", words[level], text);
		return;
	}
	char when[40];
	struct timespec now = clock_now();
	struct tm local;
	localtime_r(&now.tv_sec, &local);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &local);
	struct bytes line = {0};
	bytes_appendf(
	    &line, "%s %s[%ld]: %s%s\n", when, the_log.program, (long)getpid(), words[level], text);
	/* One write, so that lines of several processes do not mix. */
	(void)file_write_all(the_log.fd, line.data, line.len);
	bytes_clear(&line);
}

void log_write(enum log_level level, const char *format, ...)
{
	if (!log_is_on(level))
		return;
	struct bytes text = {0};
	va_list args;
	va_start(args, format);
	bytes_appendv(&text, format, args);
	va_end(args);
	utf8_hide_controls(text.data, text.len);
	write_line(level, bytes_terminate(&text));
	bytes_clear(&text);
}
