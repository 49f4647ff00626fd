/* Linked into the static tapdeckd alone, where it stands for libpcap.a's own capture of D-Bus: that
 * one needs libdbus, which is not to be had as an archive. Nothing is found and nothing is opened:
 * every other kind of device is as it was. */
#include <stddef.h>

/* libpcap's table of sources knows these two by name; its headers for them are not installed. */
int dbus_findalldevs(void *list, char *why);
void *dbus_create(const char *device, char *why, int *is_ours);

int dbus_findalldevs(void *list, char *why)
{
	(void)list;
	(void)why;
	return 0;
}

void *dbus_create(const char *device, char *why, int *is_ours)
{
	(void)device;
	(void)why;
	*is_ours = 0;
	return NULL;
}
