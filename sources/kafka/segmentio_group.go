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

func (m *segmentioMember) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = m.group.Close() // it has no error to give
	}()
	cut := time.NewTimer(m.broker.timing.leave)
	defer cut.Stop()
	for {
		select {
		case <-done:
			return
		case <-cut.C:
			m.broker.client.Cut()
			cut.Reset(m.broker.timing.leave)
		}
	}
}
