#ifndef TUI_FORM_PRIVATE_H
#define TUI_FORM_PRIVATE_H

#include "app_private.h"

#define FORM_TICKS_SHOWN 6 /* lines of a field of ticks */

struct choice {
	char *value, *detail;
	bool ticked;
};

struct form_field {
	struct field spec; /* text and choices are not kept here */
	struct edit edit;  /* text, note */
	struct choice *choice;
	size_t nchoices, at; /* at: the chosen one, or the cursor of ticks */
	char *text;	     /* of choices and ticks, as form_text gives it */
	char *say;
	int say_at;
	enum style say_style;
	bool hidden;
	int y, height; /* as last laid out */
};

struct form {
	struct layer layer;
	struct form_spec spec;
	char *title;
	struct form_field field[FORM_FIELDS_MAX];
	size_t nfields, focus;
	struct err error; /* of submitting */
	int scroll;
	int room; /* columns of what is said below a field */
	int foot; /* rows below the fields: error, command, buttons */
	bool busy; /* the owner works: he may close it */
	bool gone;
};

void form_draw(struct layer *layer, struct area screen);
void form_text_update(struct form_field *f);

#endif
