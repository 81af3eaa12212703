// Command webhook turns signed HTTP requests into runs: an example of an event
// listener over lib/client. It speaks GitHub's form of webhooks.
//
// A request is answered with 202 only when its run is durable, and with 503 when
// that cannot be had now, so that the sender tries again. The sender's delivery
// id is the run's key: however often it tries, there is one run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/client"
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	listen := flag.String("listen", "127.0.0.1:8080", "address to listen on")
	workflow := flag.String("workflow", "deploy", "the workflow that each event runs")
	patience := flag.Duration("patience", 8*time.Second, "how long a request may wait for the principal; GitHub waits 10 s")
	flag.Parse()
	secret := os.Getenv("WEBHOOK_SECRET")
	if secret == "" {
		log.Error("WEBHOOK_SECRET is not set: anybody could start runs")
		os.Exit(78)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	principal, err := client.Open()
	if err != nil {
		log.Error("open the client", "error", err)
		os.Exit(78)
	}
	defer principal.Close()
	hook := &hook{principal: principal, workflow: *workflow, secret: []byte(secret), patience: *patience, log: log}
	if err := serve(ctx, *listen, hook); err != nil {
		log.Error("serve", "error", err)
		os.Exit(1)
	}
}

// serve answers requests until ctx ends, and returns when the last of them is
// answered.
func serve(ctx context.Context, address string, h *hook) error {
	mux := http.NewServeMux()
	mux.Handle("POST /{$}", h)
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10*time.Second + h.patience,
		MaxHeaderBytes:    16 << 10,
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	h.log.Info("listening", "url", fmt.Sprintf("http://%s/", listener.Addr()))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second+h.patience)
	defer cancel()
	err = server.Shutdown(last)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
