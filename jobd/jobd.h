/* jobd: one process, one job. What its parts share. */
#ifndef JOBD_JOBD_H
#define JOBD_JOBD_H

#include "jobd/artifacts.h"
#include "jobd/ask.h"
#include "jobd/boot.h"
#include "jobd/client.h"
#include "jobd/console.h"
#include "jobd/drive.h"
#include "jobd/images.h"
#include "jobd/job_log.h"
#include "jobd/names.h"
#include "jobd/nbd.h"
#include "jobd/power.h"
#include "jobd/progress.h"
#include "jobd/report.h"
#include "jobd/spare.h"
#include "libbus/bus.h"
#include "libgateway/activation.h"
#include "libgateway/env.h"
#include "libgateway/http_client.h"
#include "libgateway/loop.h"
#include "libjob/job.h"
#include "libjob/run.h"

struct jobd {
	struct env env;
	struct loop loop;
	struct activation fds;
	struct bus bus;
	struct asks asks;
	struct http_client *http;
	struct spare spare;
	struct names names;
	struct msg_job_prepare *prepared; /* owned; NULL: a spare without a description */
	struct msg_job_go *go;            /* owned; NULL: not told to go */
	struct job job;                   /* of `go` */
	struct drive drive;
	struct client client;
	struct console console;
	struct power power;
	struct artifacts artifacts;
	struct images images;
	struct nbd nbd;
	struct progress progress;
	struct boot boot;
	struct job_log log;
	struct report report;
};

extern const struct bus_handler jobd_handlers[];

static inline const char *jobd_capability(const struct jobd *j)
{
	return j->go->capability;
}

#endif
