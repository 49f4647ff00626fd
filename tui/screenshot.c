/* What leaves the console as text: the screen, and copies for the clipboard. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "tui/term.h"

#define SCREEN_MAX (16u * 1024 * 1024)
#define COPY_MAX (64u * 1024) /* bytes: some terminals take no more in one OSC 52 */

static int file_write(const char *path, const void *bytes, size_t len, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), failed;

	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "%s cannot be written", path);
	failed = fdio_write_all(fd, bytes, len);
	if (failed)
		err_errno(e, ERR_REFUSED, "%s cannot be written", path);
	if (close(fd) < 0 && !failed)
		failed = err_errno(e, ERR_REFUSED, "%s cannot be written", path);
	return failed ? -1 : 0;
}

int app_screenshot(struct app *a, const char *path, struct err *e)
{
	struct buf out;
	int result;

	buf_init(&out, SCREEN_MAX);
	app_compose(a);
	canvas_text(&a->canvas, &out);
	if (strcmp(path, "-") != 0 || a->term)
		result = file_write(path, buf_str(&out), out.len, e);
	else if ((result = fdio_write_all(STDOUT_FILENO, buf_str(&out), out.len)) < 0)
		err_errno(e, ERR_REFUSED, "the screen cannot be written to standard output");
	buf_release(&out);
	return result;
}

/* RFC 4648, 4. */
static void base64_add(struct buf *out, const uint8_t *p, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);
		buf_add_byte(out, (uint8_t)digit[v >> 18]);
		buf_add_byte(out, (uint8_t)digit[(v >> 12) & 63]);
		buf_add_byte(out, (uint8_t)(i + 1 < len ? digit[(v >> 6) & 63] : '='));
		buf_add_byte(out, (uint8_t)(i + 2 < len ? digit[v & 63] : '='));
	}
}

static int clipboard_write(struct app *a, const char *text, size_t len)
{
	struct buf out;
	int result;

	if (!a->term)
		return 0;
	buf_init(&out, COPY_MAX * 2);
	buf_add_str(&out, "\033]52;c;");
	base64_add(&out, (const uint8_t *)text, len);
	buf_add_str(&out, "\033\\");
	result = term_write(a->term, buf_str(&out), out.len);
	buf_release(&out);
	return result;
}

void app_copy(struct app *a, const char *text)
{
	struct buf safe;
	struct err e = {.code = ERR_NONE, .at = -1};
	char *path = a->state_folder ? xasprintf("%s/copy.txt", a->state_folder) : NULL;
	bool cut;

	buf_init(&safe, COPY_MAX);
	for (const char *line = text; *line;) { /* tabs divide cells and are ours; all else is escaped */
		size_t len = strcspn(line, "\t");
		text_escape(&safe, (struct str){line, len}, false);
		if (line[len] == '\t' && buf_add_byte(&safe, '\t') < 0)
			break;
		line += len + (line[len] == '\t');
	}
	cut = strlen(text) > safe.len;
	if (path && file_write(path, buf_str(&safe), safe.len, &e) < 0)
		app_toast_err(a, &e);
	else if (clipboard_write(a, buf_str(&safe), safe.len) < 0)
		app_toast(a, SEVERITY_ERROR, "the terminal did not take the copy");
	else
		app_toast(a, SEVERITY_NOTE, "sent to the terminal's clipboard (OSC 52)%s%s%s", path ? "; also in " : "", path ? path : "",
			  cut ? "; cut at 64 kB" : "");
	buf_release(&safe);
	free(path);
}
