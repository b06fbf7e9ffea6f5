/*
 * Asks the PC/SC service whether it answers and has the virtual reader, as any client would.
 *
 *   pcsc-probe wait SECONDS   until both are so; exit 0, or 2: no service, 3: no virtual reader
 *   pcsc-probe hold           keeps a context open until standard input ends: a service that
 *                             systemd started ends a minute after its last client has left
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <winscard.h>

#define READER "Virtual PCD 00 00"
enum { READY = 0, USAGE = 1, NO_SERVICE = 2, NO_READER = 3 };

static int has_reader(SCARDCONTEXT context)
{
	char names[4096];
	DWORD size = sizeof names;
	if (SCardListReaders(context, NULL, names, &size) != SCARD_S_SUCCESS)
		return 0;
	for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
		if (strcmp(name, READER) == 0)
			return 1;
	return 0;
}

static int probe(void)
{
	SCARDCONTEXT context;
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return NO_SERVICE;
	int result = has_reader(context) ? READY : NO_READER;
	SCardReleaseContext(context);
	return result;
}

static int wait_until_ready(int seconds)
{
	enum { TRIES_PER_SECOND = 10 };
	int result = probe();
	for (int tries = seconds * TRIES_PER_SECOND; result != READY && tries > 0; tries--) {
		usleep(1000000 / TRIES_PER_SECOND);
		result = probe();
	}
	return result;
}

static int hold(void)
{
	SCARDCONTEXT context;
	char ignored[64];
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS)
		return NO_SERVICE;
	while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
		;
	SCardReleaseContext(context);
	return READY;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "wait") == 0)
		return wait_until_ready(atoi(argv[2]));
	if (argc == 2 && strcmp(argv[1], "hold") == 0)
		return hold();
	fprintf(stderr, "usage: pcsc-probe wait SECONDS | hold\n");
	return USAGE;
}
