#include "bootsd/boot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int boot_open_beneath(int root, const char *name, uint64_t *size, struct gw_error *err)
{
	/* Not blocking: a FIFO would hold the open up. */
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	struct stat st;

	if (fd < 0) {
		gw_fail_errno(err, GW_NOT_FOUND, errno, "artifact '%s' cannot be opened", name);
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		gw_fail(err, GW_NOT_FOUND, "artifact '%s' is not a regular file", name);
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

static bool add_piece(struct boot_file *file, int root, const char *name, struct gw_error *err)
{
	struct boot_piece *piece = &file->pieces[file->n_pieces];

	piece->at = file->size;
	piece->fd = boot_open_beneath(root, name, &piece->size, err);
	if (piece->fd < 0)
		return gw_context(err, "%s", file->path);
	file->size += piece->size;
	file->n_pieces++;
	return true;
}

static void print_etag(struct boot_file *file, const unsigned char *digest)
{
	for (int i = 0; i < 16; i++)
		sprintf(file->etag + 2 * i, "%02x", digest[i]);
}

/* Artifacts are immutable: their names are their contents. */
static void make_etag(struct boot_file *file, const struct bus_texts *names)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	gw_assert(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
	for (size_t i = 0; i < names->n; i++)
		EVP_DigestUpdate(ctx, names->v[i], strlen(names->v[i]) + 1);
	EVP_DigestUpdate(ctx, &file->size, sizeof(file->size));
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	print_etag(file, digest);
}

struct boot_file *boot_file_create(int root, const struct msg_boot_file *from, struct gw_error *err)
{
	struct boot_file *file = gw_calloc(1, sizeof(*file));
	bool ok = true;

	*file = (struct boot_file){.references = 1, .path = gw_strdup(from->path), .http = from->http, .tftp = from->tftp};
	file->pieces = gw_calloc(from->artifacts.n + 1, sizeof(*file->pieces));
	for (size_t i = 0; ok && i < from->artifacts.n; i++)
		ok = add_piece(file, root, from->artifacts.v[i], err);
	if (ok) {
		make_etag(file, &from->artifacts);
		return file;
	}
	boot_file_release(file);
	return NULL;
}

void boot_file_set_etag(struct boot_file *file, const void *bytes, size_t n)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	gw_assert(EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL));
	print_etag(file, digest);
}

struct boot_file *boot_file_of(int fd, uint64_t size, const char *path)
{
	struct boot_file *file = gw_calloc(1, sizeof(*file));

	*file = (struct boot_file){.references = 1, .path = gw_strdup(path), .n_pieces = 1, .size = size};
	file->pieces = gw_calloc(1, sizeof(*file->pieces));
	file->pieces[0] = (struct boot_piece){.fd = fd, .size = size};
	return file;
}

struct boot_file *boot_file_hold(struct boot_file *file)
{
	file->references++;
	return file;
}

void boot_file_release(struct boot_file *file)
{
	if (!file || --file->references)
		return;
	for (size_t i = 0; i < file->n_pieces; i++)
		close(file->pieces[i].fd);
	free(file->pieces);
	free(file->path);
	free(file);
}

static const struct boot_piece *piece_at(const struct boot_file *file, uint64_t offset)
{
	size_t low = 0, high = file->n_pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (file->pieces[middle].at <= offset)
			low = middle;
		else
			high = middle;
	}
	return &file->pieces[low];
}

ssize_t boot_file_read(const struct boot_file *file, void *out, size_t n, uint64_t offset)
{
	size_t got = 0;

	while (got < n && offset < file->size) {
		const struct boot_piece *piece = piece_at(file, offset);
		uint64_t left = piece->at + piece->size - offset;
		ssize_t r = pread(piece->fd, (char *)out + got, n - got < left ? n - got : left, (off_t)(offset - piece->at));

		if (r == 0)
			errno = EIO; /* it has become shorter than it was */
		if (r <= 0)
			return -1;
		got += (size_t)r;
		offset += (uint64_t)r;
	}
	return (ssize_t)got;
}
