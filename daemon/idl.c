/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "idl.h"

/* clang-format off */

#define COMMENT(text) SD_VARLINK_FIELD_COMMENT(text)
#define FIELD(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, 0)
#define FIELD_OR_NULL(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define FIELD_MAP(name, type) SD_VARLINK_DEFINE_FIELD(name, SD_VARLINK_##type, SD_VARLINK_MAP)
#define FIELD_TYPE(name, type) SD_VARLINK_DEFINE_FIELD_BY_TYPE(name, type, 0)
#define FIELD_ARRAY(name, type) SD_VARLINK_DEFINE_FIELD_BY_TYPE(name, type, SD_VARLINK_ARRAY)
#define INPUT(name, type) SD_VARLINK_DEFINE_INPUT(name, SD_VARLINK_##type, 0)
#define OUTPUT(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, 0)
#define OUTPUT_OR_NULL(name, type) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_##type, SD_VARLINK_NULLABLE)
#define OUTPUT_STRINGS(name) SD_VARLINK_DEFINE_OUTPUT(name, SD_VARLINK_STRING, SD_VARLINK_ARRAY)
#define OUTPUT_TYPE(name, type) SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(name, type, 0)
#define OUTPUT_ARRAY(name, type) SD_VARLINK_DEFINE_OUTPUT_BY_TYPE(name, type, SD_VARLINK_ARRAY)

static SD_VARLINK_DEFINE_ENUM_TYPE(
	Mode,
	COMMENT("The hook and at least one engine are in use"),
	SD_VARLINK_DEFINE_ENUM_VALUE(engine),
	COMMENT("Something is missing, see the reason; clients had better make the system call"),
	SD_VARLINK_DEFINE_ENUM_VALUE(degraded),
	COMMENT("What is running is being ended, nothing new is taken"),
	SD_VARLINK_DEFINE_ENUM_VALUE(draining));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Hook,
	COMMENT("Whether the kernel hook is in use"),
	FIELD(ready, BOOL),
	COMMENT("Why not"),
	FIELD_OR_NULL(reason, STRING),
	COMMENT("What to do about it"),
	FIELD_OR_NULL(remedy, STRING),
	COMMENT("How engine copies are compared before a commit: off, sampled, full; auto while there is no hook"),
	FIELD(verify, STRING),
	COMMENT("The most that the hook takes at once, in bytes"),
	FIELD(maxBatch, INT),
	COMMENT("What is taken at once at the moment, in bytes"),
	FIELD(batch, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	FolioCount,
	COMMENT("Size of the folios in bytes"),
	FIELD(size, INT),
	COMMENT("How many were copied by an engine, and moved"),
	FIELD(engine, INT),
	COMMENT("How many were copied by the CPU, and moved"),
	FIELD(cpu, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	BlockedBucket,
	COMMENT("Upper end of the bucket in microseconds, exclusive; the lower end is that of the bucket before"),
	FIELD(belowUSec, INT),
	COMMENT("Batches whose pages were unavailable for so long"),
	FIELD(batches, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Account,
	COMMENT("Requests that ended, well or not"),
	FIELD(requests, INT),
	COMMENT("Of these, those that ended with an error"),
	FIELD(requestsFailed, INT),
	COMMENT("Batches made"),
	FIELD(batches, INT),
	COMMENT("Of these, those that the hook ended at their deadline"),
	FIELD(batchesExpired, INT),
	COMMENT("Of these, those that were out for longer than max-page-blocked="),
	FIELD(budgetMisses, INT),
	COMMENT("Of these again, those of a single folio, which cannot be made smaller"),
	FIELD(budgetMissesAlone, INT),
	COMMENT("Pages gone through; the sum of pagesMoved and all of pagesByCause"),
	FIELD(pagesAsked, INT),
	COMMENT("Pages moved"),
	FIELD(pagesMoved, INT),
	COMMENT("Pages not moved, by cause; causes without a page are left out"),
	FIELD_MAP(pagesByCause, INT),
	COMMENT("Bytes copied by engines, and moved"),
	FIELD(bytesEngine, INT),
	COMMENT("Bytes copied by the CPU on the daemon's behalf, and moved"),
	FIELD(bytesCpu, INT),
	COMMENT("Folios moved, by size; sizes without one are left out"),
	FIELD_ARRAY(folios, FolioCount),
	COMMENT("Copies that engines did not make, by what they said; without those of count 0"),
	FIELD_MAP(engineErrors, INT),
	COMMENT("Bytes given to the CPU that an engine could have copied, by why; without those of 0"),
	FIELD_MAP(fallbackBytes, INT),
	COMMENT("Bytes given to another engine, because the one before failed at them"),
	FIELD(bytesAgain, INT),
	COMMENT("Bytes moved by what the requests said they were for; without those of 0"),
	FIELD_MAP(bytesByReason, INT),
	COMMENT("Time that at least one engine was at work, in nanoseconds"),
	FIELD(engineNSec, INT),
	COMMENT("CPU time of the daemon's threads in nanoseconds, shared out by work"),
	FIELD(cpuNSec, INT),
	COMMENT("Time of the module's own workers, shared out by bytes"),
	FIELD(cpuHookNSec, INT),
	COMMENT("An estimate of the CPU time that was saved: what move_pages(2) would have needed for the "
		"same folios, by published figures scaled by how fast this machine copies, less the two "
		"above. Below 0 it cost more"),
	FIELD(cpuGivenBackNSec, INT),
	COMMENT("Sum over all batches of the time that their pages were unavailable, in nanoseconds"),
	FIELD(blockedNSec, INT),
	COMMENT("The longest such time"),
	FIELD(blockedMaxNSec, INT),
	COMMENT("Upper bound of the median of these times"),
	FIELD(blockedMedianNSec, INT),
	COMMENT("Upper bound of their 99th percentile"),
	FIELD(blockedP99NSec, INT),
	COMMENT("Their histogram, in ascending order; empty buckets are left out"),
	FIELD_ARRAY(blocked, BlockedBucket));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Cpu,
	COMMENT("CPU time of all threads of the daemon, in nanoseconds"),
	FIELD(timeNSec, INT),
	COMMENT("Time of the module's own workers meanwhile; null while the module is not loaded"),
	FIELD_OR_NULL(hookNSec, INT),
	COMMENT("What the processor counted for the threads of the daemon; null when it does not count: see reason"),
	FIELD_OR_NULL(cycles, INT),
	FIELD_OR_NULL(instructions, INT),
	COMMENT("Percentage of the time that they were counted; below 100 they are estimates"),
	FIELD_OR_NULL(countedPercent, INT),
	COMMENT("Whether only what is done outside of the kernel is in them"),
	FIELD_OR_NULL(userOnly, BOOL),
	COMMENT("Why nothing, or not all, is counted"),
	FIELD_OR_NULL(reason, STRING),
	COMMENT("What to do about it"),
	FIELD_OR_NULL(remedy, STRING));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Client,
	COMMENT("Number of the attachment, never used again"),
	FIELD(id, INT),
	COMMENT("User that connected"),
	FIELD(uid, INT),
	COMMENT("Process that connected"),
	FIELD(pid, INT),
	COMMENT("Whether it may move pages that other processes map"),
	FIELD(mayMoveAll, BOOL),
	COMMENT("Processes that it has open"),
	FIELD(targets, INT),
	COMMENT("What was done for it"),
	FIELD_TYPE(account, Account));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	User,
	COMMENT("The user"),
	FIELD(uid, INT),
	COMMENT("What was done for all clients of this user since the daemon was started"),
	FIELD_TYPE(account, Account));

static SD_VARLINK_DEFINE_ENUM_TYPE(
	EngineState,
	COMMENT("Could not be opened; is tried again"),
	SD_VARLINK_DEFINE_ENUM_VALUE(absent),
	COMMENT("In use"),
	SD_VARLINK_DEFINE_ENUM_VALUE(ready),
	COMMENT("Out of service after errors; is tried again, see retry-after= in migoffd.conf(5)"),
	SD_VARLINK_DEFINE_ENUM_VALUE(out),
	COMMENT("Given back on request"),
	SD_VARLINK_DEFINE_ENUM_VALUE(released),
	COMMENT("Being closed, which takes the kernel minutes if it is gone; not opened again before"),
	SD_VARLINK_DEFINE_ENUM_VALUE(closing));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Engine,
	COMMENT("The device as devices= names it"),
	FIELD(device, STRING),
	FIELD_TYPE(state, EngineState),
	COMMENT("Why it is not ready"),
	FIELD_OR_NULL(reason, STRING),
	COMMENT("What to do about it"),
	FIELD_OR_NULL(remedy, STRING),
	COMMENT("When it is tried again, in microseconds from now; null when it is ready, or may be tried at any time"),
	FIELD_OR_NULL(retryUSec, INT),
	COMMENT("The driver in migoffd; null, with the fields up to batches, unless it is open"),
	FIELD_OR_NULL(driver, STRING),
	COMMENT("The device's own version, if it has one, such as 3.3"),
	FIELD_OR_NULL(version, STRING),
	COMMENT("PCI vendor and device"),
	FIELD_OR_NULL(vendor, INT),
	FIELD_OR_NULL(product, INT),
	COMMENT("NUMA node that it is on, if known"),
	FIELD_OR_NULL(node, INT),
	COMMENT("IOMMU group that it is in"),
	FIELD_OR_NULL(group, INT),
	COMMENT("Whether it notices when memory cannot be read or written; if not, copies are compared"),
	FIELD_OR_NULL(reportsErrors, BOOL),
	COMMENT("Bytes that one descriptor copies at most; what is longer takes several"),
	FIELD_OR_NULL(maxCopy, INT),
	COMMENT("Descriptors that can be under way at once"),
	FIELD_OR_NULL(ringSize, INT),
	COMMENT("Bits of the addresses that it takes"),
	FIELD_OR_NULL(addressBits, INT),
	COMMENT("Descriptors that it copies at the same time: channels, or engines behind a queue"),
	FIELD_OR_NULL(channels, INT),
	COMMENT("Batches in line for it"),
	FIELD(batches, INT),
	COMMENT("Bytes that it has to copy at the moment"),
	FIELD(bytesInFlight, INT),
	COMMENT("Errors without a success in between"),
	FIELD(consecutiveErrors, INT),
	COMMENT("Times that it went out of service since it was configured"),
	FIELD(outages, INT),
	COMMENT("Times that it was tried again, successful or not"),
	FIELD(tries, INT),
	COMMENT("The rest counts since it was opened. Copies made, those of tries included"),
	FIELD(copies, INT),
	FIELD(bytes, INT),
	FIELD(descriptors, INT),
	COMMENT("Doorbells rung"),
	FIELD(submits, INT),
	COMMENT("Copies that failed"),
	FIELD(errors, INT),
	COMMENT("Copies that were cancelled"),
	FIELD(cancelled, INT),
	COMMENT("Times that it was silent for too long"),
	FIELD(timeouts, INT),
	COMMENT("Times that it was reset and worked again"),
	FIELD(recoveries, INT),
	COMMENT("Time with work under way, in nanoseconds"),
	FIELD(busyNSec, INT));

static SD_VARLINK_DEFINE_STRUCT_TYPE(
	Setting,
	FIELD(section, STRING),
	FIELD(key, STRING),
	COMMENT("The value in effect, as it would be written in migoffd.conf"),
	FIELD(value, STRING),
	COMMENT("Where it was set, as file:line; null for a default"),
	FIELD_OR_NULL(source, STRING));

static SD_VARLINK_DEFINE_METHOD(
	Attach,
	COMMENT("Version of the layout of the shared memory (common/ring.h)"),
	OUTPUT(version, INT),
	COMMENT("Index of the descriptor of the shared memory: a memfd sealed against resizing"),
	OUTPUT(ring, INT),
	COMMENT("Index of the eventfd to write after submitting"),
	OUTPUT(submit, INT),
	COMMENT("Index of the eventfd that becomes readable when requests are done"),
	OUTPUT(done, INT),
	COMMENT("Size of the shared memory in bytes"),
	OUTPUT(length, INT),
	COMMENT("Size of the data area in it"),
	OUTPUT(dataLength, INT),
	COMMENT("Requests that can be under way"),
	OUTPUT(slots, INT),
	COMMENT("Processes that can be open at the same time"),
	OUTPUT(targets, INT),
	COMMENT("Time in nanoseconds after which a page that is away is back, even if the daemon is gone; the "
		"shared memory has it too, and follows changes"),
	OUTPUT(deadlineNSec, INT),
	COMMENT("Whether this client may move pages that other processes map"),
	OUTPUT(mayMoveAll, BOOL));

static SD_VARLINK_DEFINE_METHOD(
	OpenTarget,
	COMMENT("Index of a pidfd of the process"),
	INPUT(pidfd, INT),
	COMMENT("Index of a descriptor of its /proc/PID/pagemap, opened by the client: the proof that it may. "
		"It is looked at by the kernel hook: with another file requests end with EBADF, with that of another "
		"address space (as after an exec) with EPERM"),
	INPUT(pagemap, INT),
	COMMENT("What to call it in requests"),
	OUTPUT(target, INT));

static SD_VARLINK_DEFINE_METHOD(
	CloseTarget,
	INPUT(target, INT));

static SD_VARLINK_DEFINE_METHOD(
	GetStatus,
	COMMENT("Version of the daemon"),
	OUTPUT(version, STRING),
	OUTPUT_TYPE(mode, Mode),
	COMMENT("What is missing, when degraded"),
	OUTPUT_OR_NULL(reason, STRING),
	COMMENT("What to do about it"),
	OUTPUT_OR_NULL(remedy, STRING),
	OUTPUT_TYPE(hook, Hook),
	COMMENT("Time since the daemon was started, in microseconds"),
	OUTPUT(uptimeUSec, INT),
	COMMENT("Clients attached"),
	OUTPUT(nClients, INT),
	COMMENT("Requests being worked on"),
	OUTPUT(nRequests, INT),
	COMMENT("Batches out: their pages are unavailable at the moment"),
	OUTPUT(nBatches, INT),
	COMMENT("Clients that were cut off because what they wrote to the shared memory made no sense"),
	OUTPUT(nClientsCut, INT),
	COMMENT("What the processors spent on it all"),
	OUTPUT_TYPE(cpu, Cpu),
	COMMENT("What was done for all clients since the daemon was started"),
	OUTPUT_TYPE(total, Account),
	COMMENT("The clients attached: all of them for root and the group, else those of the caller's own user"),
	OUTPUT_ARRAY(clients, Client),
	COMMENT("The users that were clients, as far as the caller may know"),
	OUTPUT_ARRAY(users, User));

static SD_VARLINK_DEFINE_METHOD(
	GetEngines,
	COMMENT("One for each of devices="),
	OUTPUT_ARRAY(engines, Engine));

static SD_VARLINK_DEFINE_METHOD(
	GetConfiguration,
	COMMENT("The files that were read, in this order"),
	OUTPUT_STRINGS(files),
	COMMENT("Each key with what is in effect"),
	OUTPUT_ARRAY(settings, Setting));

static SD_VARLINK_DEFINE_ERROR(
	NotAllowed,
	COMMENT("What would be needed"),
	FIELD(message, STRING));

static SD_VARLINK_DEFINE_ERROR(
	Limit,
	COMMENT("What there are too many of: clients, clients-per-user, targets"),
	FIELD(limit, STRING),
	COMMENT("How many are allowed"),
	FIELD(value, INT));

static SD_VARLINK_DEFINE_ERROR(AlreadyAttached);

static SD_VARLINK_DEFINE_ERROR(NotAttached);

static SD_VARLINK_DEFINE_ERROR(
	BadDescriptor,
	COMMENT("The parameter whose descriptor is not what it should be"),
	FIELD(parameter, STRING),
	COMMENT("What is wrong with it"),
	FIELD(message, STRING));

static SD_VARLINK_DEFINE_ERROR(NoSuchProcess);

static SD_VARLINK_DEFINE_ERROR(
	NoSuchTarget,
	FIELD(target, INT));

static SD_VARLINK_DEFINE_ERROR(Stopping);

SD_VARLINK_DEFINE_INTERFACE(
	io_migoff,
	"io.migoff",
	SD_VARLINK_INTERFACE_COMMENT("Moves the pages of processes between NUMA nodes by a DMA engine"),

	SD_VARLINK_SYMBOL_COMMENT("What the daemon can do at the moment"),
	&vl_type_Mode,
	SD_VARLINK_SYMBOL_COMMENT("The kernel hook, /dev/migoff"),
	&vl_type_Hook,
	&vl_type_FolioCount,
	SD_VARLINK_SYMBOL_COMMENT("Times that pages were unavailable, counted in buckets that double"),
	&vl_type_BlockedBucket,
	SD_VARLINK_SYMBOL_COMMENT("What was moved, how, and what it cost. Each number is right by itself; two may be a batch apart"),
	&vl_type_Account,
	SD_VARLINK_SYMBOL_COMMENT("What the processors spent"),
	&vl_type_Cpu,
	&vl_type_Client,
	&vl_type_User,
	&vl_type_EngineState,
	SD_VARLINK_SYMBOL_COMMENT("A copy engine"),
	&vl_type_Engine,
	SD_VARLINK_SYMBOL_COMMENT("A key of migoffd.conf"),
	&vl_type_Setting,

	SD_VARLINK_SYMBOL_COMMENT("Attach this connection: get the memory that requests and results go through. "
				  "It ends with the connection, and what is under way is cancelled"),
	&vl_method_Attach,
	SD_VARLINK_SYMBOL_COMMENT("Name a process whose memory requests of this connection may move. "
				  "It names an address space: after an exec of the process it is void"),
	&vl_method_OpenTarget,
	SD_VARLINK_SYMBOL_COMMENT("Forget a process; requests on it that are under way go on"),
	&vl_method_CloseTarget,
	SD_VARLINK_SYMBOL_COMMENT("How the daemon is, and what it has done. Anybody may ask"),
	&vl_method_GetStatus,
	SD_VARLINK_SYMBOL_COMMENT("The copy engines. Anybody may ask"),
	&vl_method_GetEngines,
	SD_VARLINK_SYMBOL_COMMENT("The configuration in effect. Anybody may ask"),
	&vl_method_GetConfiguration,

	SD_VARLINK_SYMBOL_COMMENT("The caller may not do this"),
	&vl_error_NotAllowed,
	SD_VARLINK_SYMBOL_COMMENT("There are too many already"),
	&vl_error_Limit,
	SD_VARLINK_SYMBOL_COMMENT("This connection is attached already"),
	&vl_error_AlreadyAttached,
	SD_VARLINK_SYMBOL_COMMENT("Attach first"),
	&vl_error_NotAttached,
	SD_VARLINK_SYMBOL_COMMENT("A descriptor is missing or not of the right kind"),
	&vl_error_BadDescriptor,
	SD_VARLINK_SYMBOL_COMMENT("The process has ended, or has no address space"),
	&vl_error_NoSuchProcess,
	SD_VARLINK_SYMBOL_COMMENT("No target of this connection has that number"),
	&vl_error_NoSuchTarget,
	SD_VARLINK_SYMBOL_COMMENT("The daemon is about to end"),
	&vl_error_Stopping);
