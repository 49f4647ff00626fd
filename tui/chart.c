/* Bars, sparklines and filled graphs: one cell a sample, eighths of a cell in height. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "tui/canvas.h"

#define BLOCK_LOW 0x2581  /* lower one eighth */
#define BLOCK_FULL 0x2588
#define SCALE_COLUMNS 7	  /* "212.4M" and the axis */

static void block_put(struct area a, int x, int y, int32_t ch, enum style style)
{
	char utf8[4] = {(char)0xe2, (char)(0x80 | ((ch >> 6) & 0x3f)), (char)(0x80 | (ch & 0x3f)), 0};
	struct str s = {utf8, 3};

	area_str(a, x, y, style, s, 1);
}

void area_bar(struct area a, int x, int y, int width, double share, enum style style)
{
	int eighths;

	if (!(share > 0) || width <= 0)
		return;
	eighths = (int)lround((share > 1 ? 1 : share) * width * 8);
	for (int i = 0; i < width && eighths > 0; i++, eighths -= 8)
		block_put(a, x + i, y, eighths >= 8 ? BLOCK_FULL : 0x2590 - eighths, style);
}

static double samples_max(const double *sample, int n)
{
	double max = 0;

	for (int i = 0; i < n; i++) {
		if (sample[i] > max)
			max = sample[i];
	}
	return max;
}

/* Zero is the lowest block, a gap is blank: they must differ. */
void area_spark(struct area a, int x, int y, int width, const double *sample, int n, double max, enum style style)
{
	int first = n > width ? n - width : 0;

	if (max <= 0)
		max = samples_max(sample + first, n - first);
	for (int i = first; i < n; i++) {
		int level = max > 0 ? (int)ceil(sample[i] / max * 8) : 0;
		if (sample[i] < 0 || isnan(sample[i]))
			continue;
		level = level < 1 ? 1 : level > 8 ? 8 : level;
		block_put(a, x + width - (n - i), y, BLOCK_LOW + level - 1, style);
	}
}

/* The next round number: so close that the plot is used. */
static double scale_above(double max)
{
	static const double step[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
	const double power = max > 0 ? pow(10, floor(log10(max))) : 1;

	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
		if (max <= step[i] * power)
			return step[i] * power;
	return 10 * power;
}

/* The highest sample of a bucket: a burst must be seen. -1: a gap. */
static double bucket_max(const double *sample, int n, int width, int x)
{
	int from, to;
	double max = -1;

	if (n <= width) {
		int each = width / n, at = x - (width - n * each);
		return at < 0 ? -1 : sample[at / each];
	}
	from = (int)((int64_t)x * n / width);
	to = (int)((int64_t)(x + 1) * n / width);
	for (int i = from; i < to; i++) {
		if (sample[i] > max)
			max = sample[i];
	}
	return max;
}

static void graph_column(struct area a, int x, double value, double top, enum style style)
{
	int eighths = (int)ceil(value / top * a.height * 8);

	if (value < 0)
		return;
	if (eighths < 1)
		eighths = 1;
	for (int y = a.height - 1; y >= 0 && eighths > 0; y--, eighths -= 8)
		block_put(a, x, y, BLOCK_LOW + (eighths >= 8 ? 7 : eighths - 1), style);
}

void area_graph(struct area a, const double *sample, int n, const char *unit, enum style style)
{
	struct area plot = area_part(a, SCALE_COLUMNS + 1, 0, a.width - SCALE_COLUMNS - 1, a.height);
	double top = scale_above(samples_max(sample, n));
	char number[TEXT_NUMBER_MAX], label[TEXT_NUMBER_MAX + 16];
	int step = a.height > 4 ? 2 : 1;

	if (plot.width < 4 || a.height < 1)
		return;
	for (int y = 0; y < a.height; y++) {
		double value = top * (a.height - y) / a.height;
		area_text(a, SCALE_COLUMNS, y, STYLE_DIM, y % step == 0 ? "\u2524" : "\u2502");
		if (y % step != 0)
			continue;
		text_rate(value, number);
		snprintf(label, sizeof(label), "%s%s", number, y == 0 && strlen(number) + strlen(unit) < SCALE_COLUMNS ? unit : "");
		area_right(a, 0, y, STYLE_DIM, label, SCALE_COLUMNS);
	}
	for (int x = 0; n > 0 && x < plot.width; x++)
		graph_column(plot, x, bucket_max(sample, n, plot.width, x), top, style);
}
