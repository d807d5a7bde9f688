#include "libmars/dut_state.h"

#include <stdio.h>
#include <string.h>

enum verdict { UNDECIDED, GOES, REFUSED, IGNORED };

struct cell {
	enum verdict verdict;
	enum dut_state state;
	uint32_t actions;
	const char *why;
};

/* clang-format off */
#define GO(to, what)  {.verdict = GOES, .state = (to), .actions = (what)}
#define REFUSE(text)  {.verdict = REFUSED, .why = (text)}
#define IGNORE        {.verdict = IGNORED}

#define TRAIN_ANEW    (DO_RESET_TRAINING | DO_START_TRAINING)
#define NO_JOB_RUNS   REFUSE("no job is running")

/* No job is there, so none can start, get lost or end. A late event of one that was just given up means nothing. */
#define NO_JOB_HERE \
		[DUT_EV_JOB_STARTED]        = IGNORE, \
		[DUT_EV_JOB_LOST]           = IGNORE, \
		[DUT_EV_UNFIT]              = IGNORE, \
		[DUT_EV_JOB_ENDED]          = IGNORE, \
		[DUT_EV_JOB_ENDED_CHECK]    = IGNORE, \
		[DUT_EV_JOB_ENDED_UNFIT]    = IGNORE, \
		[DUT_EV_ENDED_RETIRED]      = IGNORE, \
		[DUT_EV_ENDED_UNCONFIGURED] = IGNORE, \
		[DUT_EV_ENDED_REMOVED]      = IGNORE, \
		[DUT_EV_QUICK_CHECK_PASSED] = IGNORE, \
		[DUT_EV_QUICK_CHECK_FAILED] = IGNORE, \
		NOT_CUT_SHORT, \
		NO_TRAINING_HERE

#define NO_TRAINING_HERE \
		[DUT_EV_REGISTERED]          = IGNORE, \
		[DUT_EV_REGISTRATION_FAILED] = IGNORE, \
		[DUT_EV_LOOP_DONE]           = IGNORE, \
		[DUT_EV_LOOPS_FAILED]        = IGNORE, \
		[DUT_EV_TRAINING_PASSED]     = IGNORE, \
		[DUT_EV_RETRY]               = IGNORE

#define NOT_CUT_SHORT   [DUT_EV_CUT_SHORT] = IGNORE

/* The ends that any job can have, whatever its verdict. */
#define ENDS_WITH(extra) \
		[DUT_EV_ENDED_RETIRED]      = GO(DUT_RETIRED, DO_UNEXPOSE_RUNNERS | (extra)), \
		[DUT_EV_ENDED_UNCONFIGURED] = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS | (extra)), \
		[DUT_EV_ENDED_REMOVED]      = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS | DO_FORGET | (extra))

/* Already active: a change of ready_for_service or of the port comes as an event of its own. */
#define ACTIVE_ALREADY(state, actions) \
		[DUT_EV_ACTIVATE_WAIT]  = IGNORE, \
		[DUT_EV_ACTIVATE_CHECK] = GO(state, actions), \
		[DUT_EV_ACTIVATE_TRAIN] = GO(state, 0), \
		[DUT_EV_ACTIVATE_READY] = GO(state, actions)

/* Retired and active again, or at another port, during a user's job: it is checked behind it. */
#define BUSY_WITH_A_JOB(state) \
		[DUT_EV_ACTIVATE_WAIT]  = IGNORE, \
		[DUT_EV_ACTIVATE_CHECK] = GO(state, DO_QUEUE_QUICK_CHECK | DO_EXPOSE_RUNNERS), \
		[DUT_EV_ACTIVATE_TRAIN] = GO(state, 0), \
		[DUT_EV_ACTIVATE_READY] = GO(state, DO_EXPOSE_RUNNERS)

static const struct cell steps[DUT_STATES][DUT_EVENTS] = { /* a pair not written is UNDECIDED: the test names it and fails */
	[DUT_WAIT_FOR_CONFIG] = {
		[DUT_EV_ACTIVATE_WAIT]         = IGNORE,
		[DUT_EV_ACTIVATE_CHECK]        = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK | DO_EXPOSE_RUNNERS),
		[DUT_EV_ACTIVATE_TRAIN]        = GO(DUT_TRAINING, TRAIN_ANEW),
		[DUT_EV_ACTIVATE_READY]        = GO(DUT_IDLE, DO_EXPOSE_RUNNERS),
		[DUT_EV_RETIRE]                = GO(DUT_RETIRED, DO_UNEXPOSE_RUNNERS),
		[DUT_EV_UNCONFIGURED]          = IGNORE,
		[DUT_EV_REMOVED]               = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS | DO_FORGET),
		[DUT_EV_READY_SET]             = IGNORE, /* counts once it has a port */
		[DUT_EV_READY_CLEARED]         = IGNORE,
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine waits for its power port to be configured"),
		NO_JOB_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = REFUSE("the machine waits for its power port to be configured"),
		[DUT_EV_CANCEL]                = NO_JOB_RUNS,
		[DUT_EV_BOOT_SEEN]             = IGNORE,
	},
	[DUT_QUICK_CHECK] = {
		ACTIVE_ALREADY(DUT_QUICK_CHECK, DO_EXPOSE_RUNNERS),
		[DUT_EV_RETIRE]                = GO(DUT_QUICK_CHECK, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_UNCONFIGURED]          = GO(DUT_QUICK_CHECK, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_REMOVED]               = GO(DUT_QUICK_CHECK, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_READY_SET]             = IGNORE,
		[DUT_EV_READY_CLEARED]         = GO(DUT_QUICK_CHECK, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine is being checked"),
		[DUT_EV_JOB_STARTED]           = GO(DUT_QUICK_CHECK, 0),
		[DUT_EV_JOB_LOST]              = GO(DUT_QUICK_CHECK, DO_REVOKE_LEASE),
		[DUT_EV_UNFIT]                 = GO(DUT_QUICK_CHECK, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_JOB_ENDED]             = GO(DUT_IDLE, DO_EXPOSE_RUNNERS),
		[DUT_EV_JOB_ENDED_CHECK]       = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK),
		[DUT_EV_JOB_ENDED_UNFIT]       = GO(DUT_TRAINING, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS | TRAIN_ANEW),
		ENDS_WITH(0),
		[DUT_EV_QUICK_CHECK_PASSED]    = GO(DUT_IDLE, DO_EXPOSE_RUNNERS),
		[DUT_EV_QUICK_CHECK_FAILED]    = GO(DUT_TRAINING, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS | TRAIN_ANEW),
		[DUT_EV_CUT_SHORT]             = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK | DO_EXPOSE_RUNNERS),
		NO_TRAINING_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = IGNORE, /* one is under way: it answers this request too */
		[DUT_EV_CANCEL]                = NO_JOB_RUNS,
		[DUT_EV_BOOT_SEEN]             = IGNORE,
	},
	[DUT_TRAINING] = {
		ACTIVE_ALREADY(DUT_TRAINING, 0),
		[DUT_EV_RETIRE]                = GO(DUT_TRAINING, DO_STOP_RETRIAL | DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_UNCONFIGURED]          = GO(DUT_TRAINING, DO_STOP_RETRIAL | DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_REMOVED]               = GO(DUT_TRAINING, DO_STOP_RETRIAL | DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_READY_SET]             = GO(DUT_TRAINING, DO_STOP_RETRIAL | DO_CANCEL_JOB),
		[DUT_EV_READY_CLEARED]         = IGNORE,
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine is in training"),
		[DUT_EV_JOB_STARTED]           = GO(DUT_TRAINING, 0),
		[DUT_EV_JOB_LOST]              = GO(DUT_TRAINING, DO_REVOKE_LEASE),
		[DUT_EV_UNFIT]                 = IGNORE, /* the loop fails by its own verdict */
		[DUT_EV_JOB_ENDED]             = GO(DUT_IDLE, DO_STOP_RETRIAL | DO_EXPOSE_RUNNERS),
		[DUT_EV_JOB_ENDED_CHECK]       = GO(DUT_QUICK_CHECK, DO_STOP_RETRIAL | DO_START_QUICK_CHECK | DO_EXPOSE_RUNNERS),
		[DUT_EV_JOB_ENDED_UNFIT]       = GO(DUT_TRAINING, DO_STOP_RETRIAL | TRAIN_ANEW),
		ENDS_WITH(DO_STOP_RETRIAL),
		[DUT_EV_QUICK_CHECK_PASSED]    = IGNORE,
		[DUT_EV_QUICK_CHECK_FAILED]    = IGNORE,
		[DUT_EV_REGISTERED]            = GO(DUT_TRAINING, DO_START_TRAINING),
		[DUT_EV_REGISTRATION_FAILED]   = GO(DUT_TRAINING, DO_WAIT_RETRIAL),
		[DUT_EV_LOOP_DONE]             = GO(DUT_TRAINING, DO_START_TRAINING),
		[DUT_EV_LOOPS_FAILED]          = GO(DUT_TRAINING, TRAIN_ANEW),
		[DUT_EV_TRAINING_PASSED]       = GO(DUT_IDLE, DO_SET_READY | DO_EXPOSE_RUNNERS),
		[DUT_EV_RETRY]                 = GO(DUT_TRAINING, DO_START_TRAINING),
		[DUT_EV_CUT_SHORT]             = GO(DUT_TRAINING, DO_STOP_RETRIAL | DO_START_TRAINING),
		[DUT_EV_QUICK_CHECK_REQUESTED] = REFUSE("the machine is in training"),
		[DUT_EV_CANCEL]                = NO_JOB_RUNS,
		[DUT_EV_BOOT_SEEN]             = IGNORE,
	},
	[DUT_IDLE] = {
		ACTIVE_ALREADY(DUT_IDLE, 0),
		[DUT_EV_RETIRE]                = GO(DUT_RETIRED, DO_UNEXPOSE_RUNNERS),
		[DUT_EV_UNCONFIGURED]          = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS),
		[DUT_EV_REMOVED]               = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS | DO_FORGET),
		[DUT_EV_READY_SET]             = GO(DUT_IDLE, DO_EXPOSE_RUNNERS), /* without training it may idle while not ready */
		[DUT_EV_READY_CLEARED]         = GO(DUT_TRAINING, DO_UNEXPOSE_RUNNERS | TRAIN_ANEW),
		[DUT_EV_JOB_ACCEPTED]          = GO(DUT_QUEUED, DO_START_JOB),
		NO_JOB_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK),
		[DUT_EV_CANCEL]                = NO_JOB_RUNS,
		[DUT_EV_BOOT_SEEN]             = IGNORE, /* whoever switched it ON without us: pdud switches it OFF again */
	},
	[DUT_QUEUED] = {
		BUSY_WITH_A_JOB(DUT_QUEUED),
		[DUT_EV_RETIRE]                = GO(DUT_QUEUED, DO_UNEXPOSE_RUNNERS), /* its submitter was told yes: the job runs first */
		[DUT_EV_UNCONFIGURED]          = GO(DUT_QUEUED, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_REMOVED]               = GO(DUT_QUEUED, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_READY_SET]             = GO(DUT_QUEUED, DO_EXPOSE_RUNNERS),
		[DUT_EV_READY_CLEARED]         = GO(DUT_QUEUED, DO_UNEXPOSE_RUNNERS),
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine was just given to another job"),
		[DUT_EV_JOB_STARTED]           = GO(DUT_RUNNING, 0),
		[DUT_EV_JOB_LOST]              = GO(DUT_QUEUED, DO_REVOKE_LEASE),
		[DUT_EV_UNFIT]                 = GO(DUT_QUEUED, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_JOB_ENDED]             = GO(DUT_IDLE, 0),
		[DUT_EV_JOB_ENDED_CHECK]       = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK),
		[DUT_EV_JOB_ENDED_UNFIT]       = GO(DUT_TRAINING, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS | TRAIN_ANEW),
		ENDS_WITH(0),
		[DUT_EV_QUICK_CHECK_PASSED]    = IGNORE,
		[DUT_EV_QUICK_CHECK_FAILED]    = IGNORE,
		NOT_CUT_SHORT,
		NO_TRAINING_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = GO(DUT_QUEUED, DO_QUEUE_QUICK_CHECK),
		[DUT_EV_CANCEL]                = GO(DUT_QUEUED, DO_CANCEL_JOB),
		[DUT_EV_BOOT_SEEN]             = IGNORE,
	},
	[DUT_RUNNING] = {
		BUSY_WITH_A_JOB(DUT_RUNNING),
		[DUT_EV_RETIRE]                = GO(DUT_RUNNING, DO_UNEXPOSE_RUNNERS), /* the job ends first */
		[DUT_EV_UNCONFIGURED]          = GO(DUT_RUNNING, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_REMOVED]               = GO(DUT_RUNNING, DO_CANCEL_JOB | DO_UNEXPOSE_RUNNERS),
		[DUT_EV_READY_SET]             = GO(DUT_RUNNING, DO_EXPOSE_RUNNERS),
		[DUT_EV_READY_CLEARED]         = GO(DUT_RUNNING, DO_UNEXPOSE_RUNNERS),
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine is running a job"),
		[DUT_EV_JOB_STARTED]           = IGNORE, /* said twice: executord was restarted */
		[DUT_EV_JOB_LOST]              = GO(DUT_RUNNING, DO_REVOKE_LEASE),
		[DUT_EV_UNFIT]                 = GO(DUT_RUNNING, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS), /* the job ends by itself */
		[DUT_EV_JOB_ENDED]             = GO(DUT_IDLE, 0),
		[DUT_EV_JOB_ENDED_CHECK]       = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK),
		[DUT_EV_JOB_ENDED_UNFIT]       = GO(DUT_TRAINING, DO_CLEAR_READY | DO_UNEXPOSE_RUNNERS | TRAIN_ANEW),
		ENDS_WITH(0),
		[DUT_EV_QUICK_CHECK_PASSED]    = IGNORE,
		[DUT_EV_QUICK_CHECK_FAILED]    = IGNORE,
		NOT_CUT_SHORT,
		NO_TRAINING_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = GO(DUT_RUNNING, DO_QUEUE_QUICK_CHECK),
		[DUT_EV_CANCEL]                = GO(DUT_RUNNING, DO_CANCEL_JOB),
		[DUT_EV_BOOT_SEEN]             = IGNORE, /* libjob's machine reads it */
	},
	[DUT_RETIRED] = {
		[DUT_EV_ACTIVATE_WAIT]         = GO(DUT_WAIT_FOR_CONFIG, 0),
		[DUT_EV_ACTIVATE_CHECK]        = GO(DUT_QUICK_CHECK, DO_START_QUICK_CHECK | DO_EXPOSE_RUNNERS),
		[DUT_EV_ACTIVATE_TRAIN]        = GO(DUT_TRAINING, TRAIN_ANEW),
		[DUT_EV_ACTIVATE_READY]        = GO(DUT_IDLE, DO_EXPOSE_RUNNERS),
		[DUT_EV_RETIRE]                = IGNORE,
		[DUT_EV_UNCONFIGURED]          = IGNORE, /* seen at its activation */
		[DUT_EV_REMOVED]               = GO(DUT_WAIT_FOR_CONFIG, DO_UNEXPOSE_RUNNERS | DO_FORGET),
		[DUT_EV_READY_SET]             = IGNORE,
		[DUT_EV_READY_CLEARED]         = IGNORE,
		[DUT_EV_JOB_ACCEPTED]          = REFUSE("the machine is retired"),
		NO_JOB_HERE,
		[DUT_EV_QUICK_CHECK_REQUESTED] = REFUSE("the machine is retired"),
		[DUT_EV_CANCEL]                = NO_JOB_RUNS,
		[DUT_EV_BOOT_SEEN]             = IGNORE,
	},
};

#define X(name) [DUT_##name] = #name,
static const char *const state_names[DUT_STATES] = {DUT_STATE_LIST(X)};
#undef X
#define X(name) [DUT_EV_##name] = #name,
static const char *const event_names[DUT_EVENTS] = {DUT_EVENT_LIST(X)};
#undef X
#define X(name) [DUT_ACTION_##name] = #name,
static const char *const action_names[DUT_ACTIONS] = {DUT_ACTION_LIST(X)};
#undef X
/* clang-format on */

bool dut_step(enum dut_state state, enum dut_event event, struct dut_step *step)
{
	const struct cell *cell = &steps[state][event];

	gw_assert(cell->verdict != UNDECIDED);
	*step = (struct dut_step){.state = state};
	if (cell->verdict == GOES) {
		step->state = cell->state;
		step->actions = cell->actions;
	}
	step->refused = cell->why;
	step->ignored = cell->verdict == IGNORED;
	return cell->verdict == GOES;
}

bool dut_step_is_decided(enum dut_state state, enum dut_event event)
{
	return steps[state][event].verdict != UNDECIDED;
}

bool dut_training_enabled(const struct dut_situation *now)
{
	return now->boot_count >= 0;
}

enum dut_event dut_activation(const struct dut_situation *now)
{
	if (now->is_retired)
		return DUT_EV_RETIRE;
	if (!now->has_port)
		return DUT_EV_ACTIVATE_WAIT;
	if (!dut_training_enabled(now))
		return DUT_EV_ACTIVATE_READY;
	if (!now->ready_for_service)
		return DUT_EV_ACTIVATE_TRAIN;
	return now->quick_checks ? DUT_EV_ACTIVATE_CHECK : DUT_EV_ACTIVATE_READY;
}

static enum dut_event after_user_job(const struct dut_situation *now, bool unfit)
{
	if ((unfit || !now->ready_for_service) && dut_training_enabled(now))
		return DUT_EV_JOB_ENDED_UNFIT;
	return now->quick_check_queued && dut_training_enabled(now) ? DUT_EV_JOB_ENDED_CHECK : DUT_EV_JOB_ENDED;
}

static enum dut_event after_registration(const struct dut_situation *now, bool passed)
{
	if (!passed)
		return DUT_EV_REGISTRATION_FAILED;
	return now->boot_count > 0 ? DUT_EV_REGISTERED : DUT_EV_TRAINING_PASSED;
}

/* More to qualify than there are loops means all of them. */
static enum dut_event after_loop(const struct dut_situation *now)
{
	int needed = now->qualifying < now->boot_count ? now->qualifying : now->boot_count;

	if (now->loops_done < now->boot_count)
		return DUT_EV_LOOP_DONE;
	return now->loops_passed >= needed ? DUT_EV_TRAINING_PASSED : DUT_EV_LOOPS_FAILED;
}

enum dut_event dut_after_job(const struct dut_situation *now, enum dut_job_kind kind, enum dut_verdict verdict, bool unfit)
{
	bool passed = verdict == DUT_PASSED;

	if (now->removed)
		return DUT_EV_ENDED_REMOVED;
	if (!now->has_port)
		return now->is_retired ? DUT_EV_ENDED_RETIRED : DUT_EV_ENDED_UNCONFIGURED;
	if (now->is_retired)
		return DUT_EV_ENDED_RETIRED;
	if (kind == DUT_JOB_USER)
		return after_user_job(now, unfit);
	if (!dut_training_enabled(now)) /* since a restart of executord: no verdict of these jobs counts any more */
		return DUT_EV_JOB_ENDED;
	if (kind == DUT_JOB_QUICK_CHECK && (unfit || !now->ready_for_service))
		return DUT_EV_QUICK_CHECK_FAILED;
	if (kind != DUT_JOB_QUICK_CHECK && now->ready_for_service) /* set by hand meanwhile */
		return DUT_EV_JOB_ENDED;
	if (verdict == DUT_CUT_SHORT)
		return DUT_EV_CUT_SHORT;
	if (kind == DUT_JOB_QUICK_CHECK)
		return passed ? DUT_EV_QUICK_CHECK_PASSED : DUT_EV_QUICK_CHECK_FAILED;
	return kind == DUT_JOB_REGISTRATION ? after_registration(now, passed) : after_loop(now);
}

size_t dut_after_edit(const struct dut_situation *before, const struct dut_situation *now, bool moved,
		      enum dut_event events[DUT_EDIT_EVENTS])
{
	bool other_port = moved || before->has_port != now->has_port;
	size_t n = 0;

	if (now->removed) {
		if (!before->removed)
			events[n++] = DUT_EV_REMOVED;
		return n;
	}
	if (!before->removed && before->has_port && other_port) /* whatever else: its job must not go on at a port that is not its own */
		events[n++] = DUT_EV_UNCONFIGURED;
	if (before->removed || before->is_retired != now->is_retired || (other_port && now->has_port))
		events[n++] = dut_activation(now);
	else if (!now->is_retired && before->ready_for_service != now->ready_for_service) {
		if (now->ready_for_service)
			events[n++] = DUT_EV_READY_SET;
		else if (dut_training_enabled(now))
			events[n++] = DUT_EV_READY_CLEARED;
	}
	return n;
}

const char *dut_state_name(enum dut_state state)
{
	return state_names[state];
}

const char *dut_event_name(enum dut_event event)
{
	return event_names[event];
}

bool dut_state_from_name(const char *name, enum dut_state *state)
{
	for (int s = 0; s < DUT_STATES; s++)
		if (strcmp(state_names[s], name) == 0) {
			*state = (enum dut_state)s;
			return true;
		}
	return false;
}

const char *dut_actions_text(uint32_t actions, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int a = 0; a < DUT_ACTIONS; a++)
		if (actions & (1U << a) && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", action_names[a]);
	return text;
}
