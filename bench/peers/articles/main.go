// The way in which well-known articles sell tickets in a rush, written anew to compare with.
//
// Each process has a part of the stock in a counter of its own; Redis has the stock of all, behind a script. A channel of
// size 1 is the lock: whoever holds its token deducts here first and, if there was something, there. Then a line goes to a
// log and the buyer reads JSON.
//
// Where the articles cost themselves time without need, this does not: the script goes by its digest, the connection and
// the log stay open, and the log is written outside the lock. What it lacks against a reservation stays lacking: no seat,
// no segment, no id to ask again with, nothing to confirm or give back, no limit per account, no fsync.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// Is there stock that nobody has bought: then one more is sold.
const script = `
local total = tonumber(redis.call('HGET', KEYS[1], ARGV[1]))
local sold = tonumber(redis.call('HGET', KEYS[1], ARGV[2]))
if total > sold then return redis.call('HINCRBY', KEYS[1], ARGV[2], 1) end
return 0
`

const (
	key   = "ticket_hash_key"
	total = "ticket_total_nums"
	sold  = "ticket_sold_nums"
)

type answer struct {
	Code    int         `json:"code"`
	Message string      `json:"msg"`
	Data    interface{} `json:"data"`
}

// What one process sells. `turn` holds one token; whoever takes it may touch the rest.
type spike struct {
	turn    chan struct{}
	stock   int
	sales   int
	refused int
	redis   *connection
	digest  string
	lines   *os.File
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port of the service")
	redis := flag.String("redis", "127.0.0.1:6379", "address and port of Redis; ticket_hash_key is overwritten")
	stock := flag.Int("stock", 1_000_000_000, "tickets, here and in Redis")
	lines := flag.String("log", "stat.log", "file with a line per request")
	flag.Parse()
	log.SetFlags(0)

	shop, err := open(*redis, *stock, *lines)
	if err != nil {
		log.Fatalf("cannot open the sale: %v", err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatalf("cannot listen: %v; choose another --listen", err)
	}
	http.HandleFunc("/buy/ticket", shop.buy)
	go shop.tellAtTheEnd()
	log.Printf("ready on %s", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

func open(redis string, stock int, lines string) (*spike, error) {
	server, err := connect(redis)
	if err != nil {
		return nil, err
	}
	if _, err := server.do("HSET", key, total, fmt.Sprint(stock), sold, "0"); err != nil {
		return nil, err
	}
	digest, err := server.do("SCRIPT", "LOAD", script)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(lines, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return &spike{turn: turn, stock: stock, redis: server, digest: digest, lines: file}, nil
}

func (shop *spike) buy(w http.ResponseWriter, _ *http.Request) {
	reply, line := answer{Code: -1, Message: "已售罄"}, "result:0,localSales:%d\r\n"
	<-shop.turn
	if shop.deductHere() && shop.deductThere() {
		reply, line = answer{Code: 1, Message: "抢票成功"}, "result:1,localSales:%d\r\n"
	} else {
		shop.refused++
	}
	sales := shop.sales
	shop.turn <- struct{}{}

	w.Header().Set("Content-Type", "application/json")
	// A buyer who is gone reads no answer.
	_ = json.NewEncoder(w).Encode(reply)
	fmt.Fprintf(shop.lines, line, sales)
}

func (shop *spike) deductHere() bool {
	if shop.sales >= shop.stock {
		return false
	}
	shop.sales++
	return true
}

func (shop *spike) deductThere() bool {
	number, err := shop.redis.do("EVALSHA", shop.digest, "1", key, total, sold)
	if err != nil {
		log.Fatalf("lost Redis: %v", err)
	}
	return number != "0"
}

// How many of the requests were sales, for whoever measured.
func (shop *spike) tellAtTheEnd() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	<-ended
	<-shop.turn
	fmt.Printf("{\"sold\":%d,\"refused\":%d}\n", shop.sales, shop.refused)
	os.Exit(0)
}
