package kafka

import (
	"context"
	"time"

	segmentio "github.com/segmentio/kafka-go"

	"sluice/internal/kafkaclient"
)

// segmentioMember is a membership on segmentio/kafka-go's ConsumerGroup.
type segmentioMember struct {
	broker *segmentioBroker
	id     string
	group  *segmentio.ConsumerGroup
	member string // our last known id; "": none yet
}

func (b *segmentioBroker) join(group string, topics []string) (membership, error) {
	cg, err := segmentio.NewConsumerGroup(segmentio.ConsumerGroupConfig{
		ID: group, Brokers: b.client.Brokers(), Dialer: b.client.Dialer(), Topics: topics,
		HeartbeatInterval: b.timing.heartbeat, SessionTimeout: b.timing.session,
		RebalanceTimeout: b.timing.rebalance, JoinGroupBackoff: b.timing.rejoin, Timeout: b.timing.request,
	})
	if err != nil {
		return nil, err
	}
	return &segmentioMember{broker: b, id: group, group: cg}, nil
}

func (m *segmentioMember) next(ctx context.Context) (*generation, error) {
	gen, err := m.group.Next(ctx)
	if err != nil {
		return nil, m.broker.client.Explain(ctx, err, kafkaclient.About{Group: m.id})
	}
	m.member = gen.MemberID
	g := &generation{member: member{id: gen.MemberID, generation: int(gen.ID)}, hold: gen.Start}
	for topic, list := range gen.Assignments {
		for _, a := range list {
			// Its Offset is not used: the library takes any error of a partition for
			// "no offset", which would read the partition from its start.
			g.assigned = append(g.assigned, partition{topic, a.ID})
		}
	}
	return g, nil
}

// close leaves the group. The library does not while it joins or waits for an
// assignment: it goes on until it is answered, and once cut off has forgotten
// who it was, so that the group waits for us until the session is over.
func (m *segmentioMember) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.group.Close() // it has no error to give
	}()
	late := time.NewTimer(m.broker.timing.leave)
	defer late.Stop()
	for {
		select {
		case <-done:
			m.leave()
			return
		case <-late.C:
			m.leave()
			m.broker.client.Cut()
			late.Reset(m.broker.timing.leave)
		}
	}
}

// leave says that we are no member any more, if the broker will hear it.
func (m *segmentioMember) leave() {
	if m.member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.broker.timing.leave)
	defer cancel()
	res, err := m.broker.client.API().LeaveGroup(ctx, &segmentio.LeaveGroupRequest{
		GroupID: m.id, Members: []segmentio.LeaveGroupRequestMember{{ID: m.member}},
	})
	if err == nil && res.Error == nil {
		m.member = ""
	}
}
