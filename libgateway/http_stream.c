/* An answer that goes on: what is sent collects in a buffer, libmicrohttpd takes it from there, and sleeps (suspended) when it is empty.
 * A suspended connection is not watched by libmicrohttpd, so a client that goes away is noticed here. */
#include <stdlib.h>
#include <string.h>

#include "libgateway/http_internal.h"

enum { UNREAD_MAX = 1024 * 1024, BLOCK = 16 * 1024 };

struct http_stream {
	struct http_request *rq; /* NULL: the connection is over */
	struct buffer unread;
	struct loop_fd watch; /* the client's end */
	bool ended, broken;
	void (*closed)(void *data);
	void (*drained)(void *data); /* NULL: nobody wants to know */
	void *data;
};

static void break_off(struct http_stream *stream)
{
	stream->broken = true;
	loop_fd_finish(&stream->watch); /* once is enough */
	http_request_resume(stream->rq);
}

static void on_client_gone(void *data, int events)
{
	break_off(data);
}

static ssize_t on_read(void *data, uint64_t at, char *out, size_t max)
{
	struct http_stream *stream = data;
	size_t n;

	if (stream->broken || !stream->rq)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!stream->unread.len && !stream->ended && stream->drained)
		stream->drained(stream->data);
	n = stream->unread.len < max ? stream->unread.len : max;
	if (!n && stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (!n) {
		http_request_suspend(stream->rq);
		return 0;
	}
	memcpy(out, stream->unread.data, n);
	buffer_drop(&stream->unread, n);
	return (ssize_t)n;
}

/* The last reference to the response is gone. */
static void on_free(void *data)
{
	struct http_stream *stream = data;

	loop_fd_finish(&stream->watch);
	buffer_finish(&stream->unread);
	free(stream);
}

/* The connection is done with it: libmicrohttpd will close the descriptor, so it must not be watched any longer. */
void http_stream_gone(struct http_stream *stream)
{
	loop_fd_finish(&stream->watch);
	stream->rq = NULL;
	if (!stream->ended) {
		stream->ended = true;
		stream->closed(stream->data);
	}
}

struct http_stream *http_answer_stream(struct http_request *rq, const char *content_type, void (*closed)(void *data), void *data)
{
	struct http_stream *stream;
	struct MHD_Response *response;

	if (!rq->server) {
		http_answer(rq, 200, content_type, "", 0); /* goes nowhere, frees the request */
		return NULL;
	}
	stream = gw_calloc(1, sizeof(*stream));
	stream->rq = rq;
	stream->unread.max = UNREAD_MAX;
	stream->closed = closed;
	stream->data = data;
	loop_fd_start(rq->server->loop, &stream->watch, rq->connection->fd, UV_DISCONNECT, on_client_gone, stream, NULL);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, stream, on_free);
	gw_assert(response); /* out of memory */
	MHD_add_response_header(response, "Content-Type", content_type);
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	rq->stream = stream;
	http_answer_response(rq, 200, response);
	return stream;
}

void http_stream_send(struct http_stream *stream, const void *bytes, size_t n)
{
	if (!stream || stream->broken)
		return;
	if (buffer_add(&stream->unread, bytes, n))
		http_request_resume(stream->rq);
	else
		break_off(stream);
}

size_t http_stream_unread(const struct http_stream *stream)
{
	return stream ? stream->unread.len : 0;
}

void http_stream_on_drained(struct http_stream *stream, void (*drained)(void *data))
{
	stream->drained = drained;
}

void http_stream_end(struct http_stream *stream)
{
	if (!stream)
		return;
	stream->ended = true;
	http_request_resume(stream->rq);
}
