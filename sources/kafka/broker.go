package kafka

import (
	"context"
	"time"
)

// partition names one.
type partition struct {
	topic string
	id    int
}

// broker is all that this package asks of a Kafka client. Errors are
// kafkaclient errors, explained; each call has a time limit of its own.
type broker interface {
	// topics are the topics that we may see, with their partitions. wanted is the
	// one to ask for by name; "": all.
	topics(ctx context.Context, wanted string) (map[string]int, error)
	// offsets are those of the first message at or behind a time in milliseconds,
	// or atFirst or atLast; -1: there is none.
	offsets(ctx context.Context, ps []partition, at int64) (map[partition]int64, error)
	// committed are a group's offsets; -1: it has none.
	committed(ctx context.Context, group string, ps []partition) (map[partition]int64, error)
	// commit sets a group's offsets as a member; the zero member is nobody's, which
	// only an empty group allows. errNoAnswer: it may yet be carried out.
	commit(ctx context.Context, group string, as member, at map[partition]int64) error
	// fetch calls add for the messages from an offset on, which are valid until add
	// returns.
	fetch(ctx context.Context, p partition, from int64, add func(*message)) (fetched, error)
	join(group string, topics []string) (membership, error)
	reset() // drop connections, so that what follows uses new ones
	close()
}

// fetched says where a fetch has got to.
type fetched struct {
	next int64 // offset to go on at, behind what was compacted away or is no message
	end  int64 // offset behind the partition's last message
}

// member is what a commit says about its sender.
type member struct {
	id         string
	generation int
}

// membership is our place in a group until close.
type membership interface {
	// next waits for the next assignment. Errors are of the attempt to join;
	// calling again goes on trying.
	next(ctx context.Context) (*generation, error)
	close() // leaves the group
}

// generation is one assignment of partitions. hold calls f with a context that
// ends when the group rebalances; the group does not go on before f returns, and
// a return of f ends the generation.
type generation struct {
	member   member
	assigned []partition
	hold     func(f func(ctx context.Context))
}

// message is a message of a partition.
type message struct {
	offset  int64
	time    time.Time
	key     []byte // nil: null
	value   []byte // nil: null
	headers []header
}

type header struct {
	key   string
	value []byte // nil: null
}

// errOutOfRange: the offset that was asked for is not in the partition.
type errOutOfRange struct{ partition }

func (errOutOfRange) Error() string { return "offset out of range" }

// errNoAnswer: whether a request was or will be carried out is not known, and a
// broker that stands still may do it much later. One whose connection broke is
// not meant: what a broker has read of it then, it carries out at once.
type errNoAnswer struct{ error }

func (e errNoAnswer) Unwrap() error { return e.error }
